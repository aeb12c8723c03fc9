# Presses more than five seconds apart are no transition; exactly five are, clipped at 1.5 s.
down a 0
up a 100
down s 5000
up s 5100
down d 10001
up d 10101

hold left little finger 100
flight left hand to left hand 1500
hold left ring finger 100
hold left middle finger 100
